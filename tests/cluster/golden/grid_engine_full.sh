#!/bin/bash
#$ -N duel
#$ -S /bin/bash
#$ -cwd
#$ -r y
#$ -j y
#$ -o /scratch/duel/logs/$JOB_ID.$TASK_ID.log
#$ -t 1-40
#$ -notify
#$ -tc 5
#$ -q gpu
#$ -P chem
#$ -l h_rt=131405
#$ -l h_vmem=4096M
#$ -pe smp 4
#$ -l gpu=2
#$ -m n

export QVAR_STOP_AT=$(( $(date +%s) + 131285 ))
module load cuda
export PATH=/opt/qvar/bin:"$PATH"
export OMP_NUM_THREADS=4
export QVAR_QUEUE=grid_engine
exec qvar worker /scratch/duel --index "$((1000 + ${SGE_TASK_ID:?}))"
