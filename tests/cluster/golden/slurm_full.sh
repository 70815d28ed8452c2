#!/bin/bash
#SBATCH --job-name=duel
#SBATCH --array=1-40%5
#SBATCH --partition=gpu
#SBATCH --account=chem
#SBATCH --qos=high
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --gres=gpu:2
#SBATCH --mem=16384M
#SBATCH --time=1-12:30:05
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=/scratch/duel/logs/%A_%a.log
#SBATCH --constraint=a100

export QVAR_STOP_AT=$(( $(date +%s) + 131285 ))
module load cuda
export PATH=/opt/qvar/bin:"$PATH"
export OMP_NUM_THREADS=4
export QVAR_QUEUE=slurm
exec qvar worker /scratch/duel --index "$((1000 + ${SLURM_ARRAY_TASK_ID:?}))"
