#!/bin/bash
#SBATCH --job-name=duel_c
#SBATCH --dependency=afterany:7:8
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=1
#SBATCH --time=0-00:01:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output='/scratch/50%% done/logs/collect_%j.log'

export QVAR_STOP_AT=$(( $(date +%s) + 50 ))
export OMP_NUM_THREADS=1
export QVAR_QUEUE=slurm
exec qvar collect '/scratch/50% done'
