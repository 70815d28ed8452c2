#!/bin/bash
#SBATCH --job-name=state
#SBATCH --array=1-2
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=1
#SBATCH --gres=gpu:4
#SBATCH --time=0-02:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=/scratch/duel/logs/%A_%a.log

export QVAR_STOP_AT=$(( $(date +%s) + 7080 ))
export OMP_NUM_THREADS=1
export QVAR_QUEUE=slurm
cd '/home/me/my cases' || exit 1
exec srun --nodes=2 --ntasks-per-node=4 --cpus-per-task=1 --gres=gpu:4 --kill-on-bad-exit=1 qvar worker /scratch/duel --distributed --index "$((0 + ${SLURM_ARRAY_TASK_ID:?}))"
